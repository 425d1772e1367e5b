/*
 * The main() of a fuzz target in an ordinary build: the target is given
 * every file of the directories that are named.  A directory without a file
 * is an error, so that no corpus is forgotten.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read a file into memory of just its size, so that the sanitizers see a
   read behind its end. */
static uint8_t *
read_all(int fd, size_t *size)
{
	struct stat st;
	uint8_t *data;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return NULL;
	*size = (size_t)st.st_size;
	data = malloc(*size > 0 ? *size : 1);
	if (data != NULL && read(fd, data, *size) == (ssize_t)*size)
		return data;
	free(data);
	return NULL;
}

static bool
replay_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	uint8_t *data;
	size_t size = 0;

	if (fd == -1)
		return false;
	data = read_all(fd, &size);
	(void)close(fd);
	if (data == NULL)
		return false;
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	return true;
}

/* The number of files, or -1 when one can't be read. */
static int
replay_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (dir == NULL)
		return -1;
	while (count >= 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		count = replay_file(dirfd(dir), entry->d_name) ? count + 1 :
								 -1;
	}
	(void)closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	bool good = argc > 1;

	for (int i = 1; i < argc; i++) {
		int count = replay_directory(argv[i]);

		(void)printf("%s: %d files\n", argv[i], count);
		good = good && count > 0;
	}
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
