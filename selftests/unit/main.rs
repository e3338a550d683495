#![allow(dead_code, unused_imports)]
#[path = "../../src"]
mod src {
    #[forbid(unsafe_code)]
    pub(crate) mod route;
}
