/*
 * sshsample: keys, a certificate and messages that OpenSSH has made or taken,
 * for the tests of ssh_*.
 */
#ifndef TESTS_SSHSAMPLE_H
#define TESTS_SSHSAMPLE_H

#include "ssh_cert.h"
#include "wire.h"

/* The public key of the seed 00 01 02 ... 1f, its line and fingerprint. */
#define SSHSAMPLE_KEY                                                        \
	"03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
#define SSHSAMPLE_BLOB                                                       \
	"0000000b7373682d656432353531390000002003a107bff3ce10be1d70dd18e74b"  \
	"c09967e4d6309ba50d5f1ddc8664125531b8"
#define SSHSAMPLE_BASE64                                                     \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define SSHSAMPLE_LINE "ssh-ed25519 " SSHSAMPLE_BASE64 " cofre:ws1/cluster-a"
#define SSHSAMPLE_FINGERPRINT                                                \
	"SHA256:lbmsoA0yIEcEiVDRnMWuzm+nV+3ZEEpVIURqFoeSspg"

/* The public key of the seed 07 07 ... 07, which is a CA. */
#define SSHSAMPLE_CA                                                         \
	"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"

/* A user certificate for the first key by the second one. */
#define SSHSAMPLE_CERT_LEN 408u
#define SSHSAMPLE_CERT                                                       \
	"AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkK" \
	"CwwNDg8QERITFBUWFxgZGhscHR4fAAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3c" \
	"hmQSVTG4AAAAAAAAACoAAAABAAAAC3dzMS9ydW4vYWJjAAAACQAAAAVhbGljZQAAAABe" \
	"C+EAAAAAAF4L7xAAAABIAAAADWZvcmNlLWNvbW1hbmQAAAANAAAACS9iaW4vdHJ1ZQAA" \
	"AA5zb3VyY2UtYWRkcmVzcwAAABAAAAAMMTI3LjAuMC4xLzMyAAAAEgAAAApwZXJtaXQt" \
	"cHR5AAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIOpKbGPinFIKvvVQexMuxfmV" \
	"R3auvr57kkIe6mkURtIsAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEDAEbWfbRswBgguapBp" \
	"z+dCLEuAfl/yVBF+CltE9uh+W3Ilpb75r6zYusL0RsZO6bvjfsbRus9iCVNNa3CQIKsD"

/* Lines of keys of other types. */
#define SSHSAMPLE_NISTP256                                                   \
	"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYA" \
	"AABBBNJFV2C9QtF/zqif2eqg+hToml8k+7f0xJG2yOcMIZ2MEg9TNZI00AUwsSsjQfoA" \
	"AelxxzqovQcYEiUtxVaYrTc="
#define SSHSAMPLE_NISTP384                                                   \
	"ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQA" \
	"AABhBNR2kYyp3nSsr5A7Tuhs9IjBK3qvDcvzuXk137ni9gi6Ilsu7xbZ1ZPTO3rc3eIY" \
	"98l6vKFuXx4VtfG6B9zp1uP7o7lz3z75QTVCbpwhApD1FEY/qeGqc8ta8iygLls8OA=="
#define SSHSAMPLE_NISTP521                                                   \
	"ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEA" \
	"AACFBAB20AjYLn3UuX7DxkmNG5zgBvxGxEc4pVfeYnfhmvxbCRHHBFRaROoyzpbihrav" \
	"v+e18jPJ8k7rKtQU1yy9DK5ukgC6ZJ4n1bS4B2jFGFeBMilavunVLX0hFwZtd2vdOywZ" \
	"AY9i6h1EUMlYrYQcALgUQRk5f5clH40vaZeR34hy2/1Aew=="
#define SSHSAMPLE_RSA                                                        \
	"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDIxVSHbBoDNvI1K1Yp8pC4jZ1HrNIL" \
	"btSvGlK64r+4ckG8toD6DDkrXpta9102R/uT04ZGuW1A7u0MdpvaingY+tqn/FHlUTNL" \
	"Qe8K0Ks0Odo3OeZS388pBHT9FoMeEUCo25/gD8LjA/2Udzrz9vuCD/bW0BSF7CPvTzpL" \
	"iSwCD2Vz2f1lNfowlcDCL9/bwgLS/O4qtlOBCXLQuWZ8BWjV8+Hu16u0vNIRCd9mJ+3O" \
	"9ZajICEA6T64fCYVzmDeMHNIPeq6RFSsKfDbsuMQYOcPtEmgi36wtL6QN+JIVutggrUM" \
	"7/Z9VPXh9dc6RT9uofLAvopvyv/rTdcjVlccWxT7"

/* The bytes of a base64 text; the test fails when there are more than size. */
struct view sshsample_base64(const char *text, uint8_t *out, size_t size);

/* The blob of the line of a plain key. */
struct view sshsample_blob(const char *line, uint8_t out[SSH_BLOB_MAX]);

/* The strings one after the other, as a list of principals has them. */
struct view sshsample_strings(uint8_t *to, size_t size,
    const char *const *items, size_t count);

/* The sample certificate as its maker would describe it.  It points into
   memory that the next call writes anew. */
struct ssh_cert sshsample_cert(void);

/* The certificate made whole with a signature, in the memory at out. */
struct view sshsample_made(const struct ssh_cert *c,
    const uint8_t signature[SSH_SIGNATURE_LEN], uint8_t *out, size_t size);

#endif
