/* What guest/prices/prices.c, a program that does things a known number of times, and whoever runs it agree
 * about. */
#ifndef VCOST_ABI_PRICES_H
#define VCOST_ABI_PRICES_H

#define PRICES_NOWHERE 4096       /* an address where no program has memory */
#define PRICES_MAPPED_PAGES 16    /* in each mapping of "map" */
#define PRICES_FORKED_PAGES 16384 /* that who forks in "fork-large" has touched */
#define PRICES_DELAY_NS 1000000

#endif
