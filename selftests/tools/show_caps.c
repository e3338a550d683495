// SPDX-License-Identifier: GPL-2.0-only
/* Exits with 11 if it may become anybody, else with 10. */
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return 1;
	return data[0].permitted & 1 << CAP_SETUID ? 11 : 10;
}
