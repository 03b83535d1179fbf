/// libfcgi's request interface, and what Swift's Glibc module leaves out of Linux's own.
#pragma once
#include <fastcgi.h>
#include <fcgiapp.h>
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// Glibc declares both under _GNU_SOURCE only.
/// <https://man7.org/linux/man-pages/man2/accept4.2.html>
struct sockaddr;
extern int accept4(int socket, struct sockaddr *address, unsigned int *length, int flags);
/// The peer has closed its end. <https://man7.org/linux/man-pages/man2/poll.2.html>
static const short CFASTCGI_POLLRDHUP = 0x2000;
