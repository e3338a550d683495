// SPDX-License-Identifier: GPL-2.0-only
/* Exits with 10 plus its effective user id, for set-id tests. */
#include <unistd.h>

int main(void)
{
	return 10 + (int)geteuid();
}
