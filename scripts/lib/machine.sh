# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The virtual machine: virtme-ng and qemu, in the build root.

# kvm_boots: whether KVM really boots a kernel here, which /dev/kvm alone does not tell (nested hosts). Asked once.
kvm_boots() {
	local answer probe=no
	[[ -w /dev/kvm ]] || return 1
	# The machine may be another one than last time: its kernel and processor are part of the question.
	answer=$SWITCHFS_CACHE/kvm-$(key "$(uname -r)" "$(grep -m 1 'model name' /proc/cpuinfo)")
	if [[ ! -e $answer ]]; then
		if start_vng 30 true --cpus 2 -m 1G </dev/null 2>&1 >/dev/null | cat >/dev/null; then
			probe=yes
		fi
		echo "$probe" >"$answer"
		note "whether KVM boots here: $probe (remembered in $answer)"
	fi
	[[ $(cat "$answer") == yes ]]
}

# A busy host takes the machine's time away, which must not look like a broken timer or a stall.
patience=(no_timer_check rcupdate.rcu_cpu_stall_timeout=100 watchdog_thresh=50 workqueue.watchdog_thresh=100)
# identify_cpu() clears the LA57 feature for a moment, in which KASAN takes every address of an
# interrupt for a wild one; and four levels of page tables are quicker to emulate.
patience+=(no5lvl)

# start_vng SECONDS COMMAND OPTION...: runs one machine, killed after SECONDS. No COMMAND: a prompt.
start_vng() {
	local seconds=$1 command=$2 release modules
	shift 2
	release=$(cat "$entry/release")
	modules=/usr/lib/modules/$release
	# vng takes the kernel image and its modules from the place where a package would install them.
	# The image is shared and stays as it is: the guest's writes to it go to a temporary file.
	setpriv --pdeathsig KILL timeout --foreground --signal KILL "$seconds" \
		"$checkout/scripts/root" bash -c '
			mkdir -p "$2"
			mount --bind "$1$2" "$2"
			shift 2
			PATH=/opt/virtme/bin:$PATH
			exec vng "$@"' - "$entry/modules" "$modules" \
		--run "$release" --user root --root-disk "$image" --root-fstype ext4 --rw --qemu-opts=-snapshot \
		"${patience[@]/#/--append=}" \
		"$@" ${command:+-- "$command"}
}

# boot COMMAND: the machine as $cpus, $memory, $icount, $monitor, $scratch, $share, $appended and $limit ask for it, its console in $kernel_log.
boot() {
	local options=(-m "$memory" "--rodir=$checkout=$checkout" "--rwdir=/scratch=$scratch" "${appended[@]}")
	[[ -z $share ]] || options+=("--rodir=$share=$share")
	if [[ -n $icount ]]; then
		options+=(--disable-kvm --cpus 1 "--qemu-opts=-icount shift=0,sleep=off")
	elif kvm_boots; then
		options+=(--cpus "$cpus")
	else
		# An emulated `rep movsb` moves a byte at a time, which kernel and C library take for the quickest.
		options+=(--disable-kvm --cpus "$cpus" "--qemu-opts=-cpu max,-erms,-fsrm")
	fi
	if [[ -n $monitor ]]; then
		options+=("--qemu-opts=-chardev socket,id=monitor,path=$monitor,server=on,wait=off -mon chardev=monitor,mode=readline")
	fi
	# Programs on virtiofs crash at random on a kernel that does not zero what it allocates.
	[[ $kernel != debug && " ${appended[*]} " != *=init_on_alloc=0\ * ]] || options+=(--force-9p)
	if [[ -z $1 ]]; then
		# What the kernel does not know on its command line becomes the shell's environment.
		start_vng "$limit" '' "${options[@]}" --cwd "$checkout" --append "SWITCHFS_KO=$checkout/.build/$kernel/switchfs.ko"
		return
	fi
	# qemu opens its output files anew, which would truncate them and write over one another: it gets pipes.
	{
		start_vng "$limit" "$1" "${options[@]}" "--qemu-opts=-set chardev.console.path=$kernel_log" --append ignore_loglevel \
			</dev/null 2>&1 >&3 3>&- | cat >&2
	} 3>&1 | cat
}
