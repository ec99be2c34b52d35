/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A way to a block device: its file, or ADDRESS:PORT of a host where `workout serve=PORT DEVICE` runs, which does
 * there what it is told over TCP. Whoever tells sees each operation begin no later and end no earlier than it does
 * there: what must be so in the order that is seen must be so in the order in which it was, whatever clocks say.
 */
#ifndef _WAY_H
#define _WAY_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define WAY_MAX_IO	(160 << 10)

enum way_op { WAY_SECTOR_BYTES, WAY_READ, WAY_WRITE, WAY_SYNC, WAY_ZERO, WAY_DISCARD };

/* both hosts are of the same kind */
struct way_request {
	uint32_t	op;
	int32_t		flags;		/* of a write: RWF_DSYNC */
	uint64_t	at;
	uint64_t	len;		/* a write's data follows */
};

struct way {
	int	fd;
	int	is_remote;
};

/* Return: 0 or -1 with errno. WAY_SECTOR_BYTES: into *buf, an int */
static int way_do_local(int fd, const struct way_request *req, void *buf)
{
	uint64_t range[2] = { req->at, req->len };
	struct iovec vec = { buf, req->len };
	ssize_t done;

	switch (req->op) {
	case WAY_SECTOR_BYTES:
		return ioctl(fd, BLKSSZGET, buf);
	case WAY_READ:
		done = pread(fd, buf, req->len, req->at);
		break;
	case WAY_WRITE:
		done = pwritev2(fd, &vec, 1, req->at, req->flags);
		break;
	case WAY_SYNC:
		return fsync(fd);
	case WAY_ZERO:
		return ioctl(fd, BLKZEROOUT, range);
	case WAY_DISCARD:
		return ioctl(fd, BLKDISCARD, range);
	default:
		errno = EPROTO;
		return -1;
	}
	if (done >= 0 && done != (ssize_t)req->len)
		errno = EIO;
	return done == (ssize_t)req->len ? 0 : -1;
}

/* all of it. Return: 0 or -1 with errno */
static int way_move(int fd, void *buf, size_t len, int is_send)
{
	ssize_t nr;

	for (; len; buf = (char *)buf + nr, len -= nr) {
		nr = is_send ? send(fd, buf, len, MSG_NOSIGNAL) : recv(fd, buf, len, 0);
		if (nr <= 0) {
			if (!nr)
				errno = ECONNRESET;
			return -1;
		}
	}
	return 0;
}

/* what comes back: an errno, and the data of a read, or the size of a sector */
static size_t way_answer_bytes(const struct way_request *req)
{
	return req->op == WAY_READ ? req->len : req->op == WAY_SECTOR_BYTES ? sizeof(int) : 0;
}

static int way_do(struct way *way, enum way_op op, uint64_t at, uint64_t len, int flags, void *buf)
{
	struct way_request req = { op, flags, at, len };
	int32_t error;

	if (!way->is_remote)
		return way_do_local(way->fd, &req, buf);
	if (way_move(way->fd, &req, sizeof(req), 1) ||
	    (op == WAY_WRITE && way_move(way->fd, buf, len, 1)) ||
	    way_move(way->fd, &error, sizeof(error), 0))
		return -1;
	if (error) {
		errno = error;
		return -1;
	}
	return way_move(way->fd, buf, way_answer_bytes(&req), 0);
}

static int way_connect(const char *name, const char *colon)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *to;
	char host[64];
	int fd, one = 1;

	snprintf(host, sizeof(host), "%.*s", (int)(colon - name), name);
	if (getaddrinfo(host, colon + 1, &hints, &to)) {
		errno = EHOSTUNREACH;
		return -1;
	}
	fd = socket(to->ai_family, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(to);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* for one thread. Return: 0 or -1 with errno */
static int way_open(struct way *way, const char *name)
{
	const char *colon = strrchr(name, ':');

	way->is_remote = name[0] != '/' && colon;
	way->fd = way->is_remote ? way_connect(name, colon) : open(name, O_RDWR | O_DIRECT);
	return way->fd < 0 ? -1 : 0;
}

/* ---------------------------------------------------------------- the other end */

static const char *way_served;

static void *way_serve_one(void *arg)
{
	int sock = (int)(long)arg, fd = open(way_served, O_RDWR | O_DIRECT);
	struct way_request req;
	int32_t error;
	void *buf;

	if (fd < 0 || posix_memalign(&buf, 4096, WAY_MAX_IO))
		exit(1);
	while (!way_move(sock, &req, sizeof(req), 0)) {
		if (req.op <= WAY_WRITE && req.len > WAY_MAX_IO)
			break;
		if (req.op == WAY_WRITE && way_move(sock, buf, req.len, 0))
			break;
		error = way_do_local(fd, &req, buf) ? errno : 0;
		if (way_move(sock, &error, sizeof(error), 1) ||
		    (!error && way_move(sock, buf, way_answer_bytes(&req), 1)))
			break;
	}
	free(buf);
	close(fd);
	close(sock);
	return NULL;
}

/* until it is killed. Return: the exit code, of what did not begin */
static int way_serve(long port, const char *device)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int listener = socket(AF_INET6, SOCK_STREAM, 0), sock, one = 1;
	pthread_t thread;

	way_served = device;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 16)) {
		perror("serve");
		return 2;
	}
	while ((sock = accept(listener, NULL, NULL)) >= 0) {
		setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (pthread_create(&thread, NULL, way_serve_one, (void *)(long)sock))
			return 2;
		pthread_detach(thread);
	}
	perror("serve");
	return 2;
}

#endif /* _WAY_H */
