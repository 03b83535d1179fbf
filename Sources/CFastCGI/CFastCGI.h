/// libfcgi's request interface, and the two Linux headers that Swift's Glibc module leaves out.
#pragma once
#include <fcgiapp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
