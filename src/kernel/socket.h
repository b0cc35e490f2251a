/* socket.h - sockets of the domain AF_UNIX: what passes between two of them. */
#ifndef KERNEL_SOCKET_H
#define KERNEL_SOCKET_H

#include "kernel/kernel.h"

#define SOCKET_PATH_BYTES 108    /* of sun_path */
#define SOCKET_QUEUE_MAX  212992 /* bytes that wait to be received, as Linux has it */

struct socket_name {
    uint32_t bytes; /* of path; 0: it has none. Where path[0] is 0 the name is abstract */
    char path[SOCKET_PATH_BYTES];
};

enum socket_state { SOCKET_FRESH, SOCKET_LISTENS, SOCKET_CONNECTED };

struct socket {
    int type; /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
    enum socket_state state;
    struct open_file *file; /* NULL: nobody has accepted it yet */
    struct socket *peer;    /* NULL: none, or it is gone */
    struct socket_name name;
    struct file_id at; /* the host's node that it is bound to; number 0: none */
    struct message *first;
    uint64_t queued;        /* bytes of messages */
    bool hears_no, says_no; /* more: its end, or its peer's, was shut down */
    int error;              /* that is told once; 0: none */
    uint32_t pid;           /* of who made it, or listened */
    struct socket *pending; /* that want to be accepted, oldest first */
    struct socket *next_pending;
    uint32_t npending, backlog;
    struct socket *next; /* of all */
};

/* What is sent at once. Files are held by the message. */
struct message {
    struct message *next;
    struct socket_name from;
    struct open_file **files;
    uint32_t nfiles;
    uint64_t n, taken; /* bytes; of a stream: that were received */
    uint8_t bytes[];
};

extern const struct file_ops vm_file_socket;
static inline struct socket *vm_socket_of(const struct open_file *f)
{
    return f->ops == &vm_file_socket ? f->own : NULL;
}

/* NULL: no memory. */
struct socket *vm_socket_new(struct kernel *k, int type, uint32_t pid);
struct open_file *vm_socket_file(struct kernel *k, struct socket *s, int flags);
void vm_socket_end(struct kernel *k, struct socket *s);
void vm_socket_join(struct socket *a, struct socket *b);
/* Something has happened to it. */
void vm_socket_stir(struct kernel *k, struct socket *s);
struct message *vm_message_new(uint64_t bytes); /* NULL: no memory */
void vm_message_free(struct kernel *k, struct message *m);
/* Whether it can be sent to `to` now: 0, -EAGAIN: not yet, or -errno. */
int64_t vm_socket_may_send(struct socket *from, const struct socket *to, uint64_t n);
void vm_socket_deliver(struct kernel *k, struct socket *to, struct message *m);
/* What there is to be received: its first message, or NULL and *result: 0 the end, -EAGAIN nothing
 * yet, -errno. */
struct message *vm_socket_first(struct socket *s, int64_t *result);
/* n bytes of the first message were received; a message that has no more goes. */
void vm_socket_taken(struct kernel *k, struct socket *s, uint64_t n);
void vm_socket_shutdown(struct kernel *k, struct socket *s, bool hear, bool say);
struct socket *vm_socket_bound(struct kernel *k, const struct socket_name *name, struct file_id at);

#endif
