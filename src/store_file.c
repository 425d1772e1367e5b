#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define META_PAGES 2

/* The fields of an LMDB meta page that are looked at before LMDB is. */
struct meta {
	uint32_t magic, version;
	uint32_t page;
	uint64_t last_page, txn;
};

/* Offsets as in LMDB 0.9's struct MDB_meta behind its 16 byte page header. */
static void
meta_parse(const uint8_t *p, struct meta *m)
{
	memcpy(&m->magic, p + 16, 4);
	memcpy(&m->version, p + 20, 4);
	memcpy(&m->page, p + 40, 4);
	memcpy(&m->last_page, p + 136, 8);
	memcpy(&m->txn, p + 144, 8);
}

const char *
store_file_problem(int fd)
{
	uint8_t buf[META_PAGES][256];
	struct meta m[META_PAGES], *newest;
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return "it is not a regular file";
	if (st.st_size == 0)
		return NULL;
	if (pread(fd, buf[0], sizeof(buf[0]), 0) != (ssize_t)sizeof(buf[0]))
		return "it is cut short";
	meta_parse(buf[0], &m[0]);
	if (m[0].magic != 0xBEEFC0DE)
		return "it is not a cofre store";
	if (m[0].version != 1)
		return "its LMDB format is not version 1; it was written by a "
		       "newer program";
	if (m[0].page < 512 || m[0].page > 65536 ||
	    (m[0].page & (m[0].page - 1)) != 0)
		return "its header is damaged";
	if (pread(fd, buf[1], sizeof(buf[1]), (off_t)m[0].page) !=
	    (ssize_t)sizeof(buf[1]))
		return "it is cut short";
	meta_parse(buf[1], &m[1]);
	if (m[1].magic != m[0].magic || m[1].version != m[0].version ||
	    m[1].page != m[0].page)
		return "its header is damaged";
	newest = m[1].txn > m[0].txn ? &m[1] : &m[0];
	if (newest->last_page >= (uint64_t)st.st_size / newest->page)
		return "it is cut short: its last pages are missing";
	return NULL;
}

bool
store_file_ready(const char *path, char *error, size_t error_size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	const char *why = fd == -1 ? strerror(errno) : store_file_problem(fd);

	if (fd != -1)
		(void)close(fd);
	if (why != NULL)
		(void)snprintf(error, error_size, "store %s: %s", path, why);
	return why == NULL;
}
