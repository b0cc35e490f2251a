/* nbd_server.h - nbdkit, if it is there: a server of network block devices that tests start, stop
 * and start again.
 */
#ifndef ORACLE_NBD_SERVER_H
#define ORACLE_NBD_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct nbd_server {
    char folder[64], socket[96];
    pid_t pid; /* 0: it does not run */
};

/* A folder for its socket, and whatever it serves. False: nbdkit is not installed. */
bool nbd_server_open(struct nbd_server *s);
/* Run nbdkit with these words, up to NULL ("memory", "64M"), until it listens. */
void nbd_server_start(struct nbd_server *s, const char *const *words);
void nbd_server_stop(struct nbd_server *s); /* at once; it may be started again */
void nbd_server_close(struct nbd_server *s);

#endif
