#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ops.sh TAG DIR: does one operation of each kind with the program that an intruder would use, and
# prints for each "OPERATION done" or "OPERATION denied" (Operation not permitted), or what else
# went wrong. It is a cell or not by its TAG; the programs that it starts are too, as its children.
# DIR has in/ (inside of the prefixes) and out/ (outside); see vetoes.sh, which looks at the traces.

dir=$2
out=$dir/out

try() {
	local name=$1 text
	shift
	if text=$("$@" 2>&1 </dev/null); then
		echo "$name done"
	elif [[ $text == *"Operation not permitted"* ]]; then
		echo "$name denied"
	else
		echo "$name failed: ${text##*$'\n'}"
	fi
}

cd "$dir/in" || exit 1
# What this shell does for itself (it looks for a name service) is not what is tried.
echo "pid $$"
try read cat "$out/secret"
try write dd of="$out/log" conv=notrunc oflag=append status=none if="$dir/in/word"
try truncate truncate -s 0 "$out/short"
try create touch "$out/new"
try mkdir mkdir "$out/newdir"
try symlink ln -s /etc/shadow "$out/newlink"
try link ln "$dir/in/word" "$out/newname"
try unlink rm "$out/gone"
try rmdir rmdir "$out/gonedir"
try rename_from mv "$out/moved" "$dir/in/moved"
try rename_to mv "$dir/in/mover" "$out/mover"
try exec "$dir/tools/tool"
try connect python3 -IS -c 'import _socket; _socket.socket().connect(("127.0.0.1", 7070))'
try map_exec python3 -IS -c '
import mmap
m = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)'
try mprotect python3 -IS -c '
import ctypes, mmap, os
m = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE)
at = ctypes.addressof(ctypes.c_char.from_buffer(m))
libc = ctypes.CDLL(None, use_errno=True)
if libc.mprotect(ctypes.c_void_p(at), 4096, 5):
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))'
# Takes hold of one of its own children: no other mechanism has a reason to refuse.
try ptrace python3 -IS -c '
import ctypes, os, signal, time
pid = os.fork()
if not pid:
    time.sleep(60)
libc = ctypes.CDLL(None, use_errno=True)
bad = libc.ptrace(16, pid, 0, 0) and ctypes.get_errno()
os.kill(pid, signal.SIGKILL)
if bad:
    raise OSError(bad, os.strerror(bad))'
# Neither is a module: without KIS the kernel says so (ENOEXEC), which counts as done.
try module_load python3 -IS -c '
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open(sys.argv[1], os.O_RDONLY)
libc.syscall(313, fd, b"", 0)
if ctypes.get_errno() != errno.ENOEXEC:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))' "$dir/in/word"
try module_data python3 -IS -c '
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
data = b"no module, but long enough to be looked at" * 4
libc.syscall(175, data, len(data), b"")
if ctypes.get_errno() != errno.ENOEXEC:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))'
