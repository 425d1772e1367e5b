/*
 * Tests of client/format*.c: texts into secrets and back.  Expected fields
 * are "name=value", joined by '|'; a '!' before the name: it is secret.  What
 * holds for all formats is in check_format_rules.c.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cofre.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEY16 "AAECAwQFBgcICQoL"
#define KEY KEY16 KEY16 KEY16 KEY16 KEY16 "AAECAw=="
#define SIG "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k"
#define TOKEN "sv=2019-02-02&ss=b&srt=sco&sp=rl&se=2030-01-01T00%3A00%3A00Z" \
	      "&sig=" SIG "%3D"
#define NOTES "sv=2019-02-02|ss=b|srt=sco|sp=rl|se=2030-01-01T00:00:00Z"
#define EMULATOR "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErC" \
		 "z4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

#define CS COFRE_FORMAT_CONNECTION_STRING
#define SAS COFRE_FORMAT_SAS
#define ADO COFRE_FORMAT_ADO
#define PQ COFRE_FORMAT_LIBPQ
#define PG COFRE_FORMAT_POSTGRES_URI
#define MY COFRE_FORMAT_MYSQL_URI

static const struct {
	enum cofre_format format;
	enum cofre_kind kind;
	enum cofre_datastore datastore;
} subjects[] = {
	{ CS, COFRE_KIND_STORAGE, COFRE_DATASTORE_NONE },
	{ SAS, COFRE_KIND_STORAGE, COFRE_DATASTORE_NONE },
	{ ADO, COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_SQL },
	{ PQ, COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_POSTGRES },
	{ PG, COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_POSTGRES },
	{ MY, COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_MYSQL },
};

static const struct accepted {
	enum cofre_format format;
	const char *text;
	const char *fields;
	const char *rendered; /* NULL: as the text */
} accepted[] = {
	{ CS, "DefaultEndpointsProtocol=https;AccountName=storagesample;"
	      "AccountKey=" KEY ";EndpointSuffix=core.windows.net",
	    "DefaultEndpointsProtocol=https|AccountName=storagesample|"
	    "!AccountKey=" KEY "|EndpointSuffix=core.windows.net", NULL },
	{ CS, ";;accountkey=" KEY ";;ACCOUNTNAME=abc;",
	    "!AccountKey=" KEY "|AccountName=abc",
	    "AccountName=abc;AccountKey=" KEY },
	{ CS, "AccountName=abc;AccountKey=" KEY ";AccountKeyName=key1",
	    "AccountName=abc|!AccountKey=" KEY "|AccountKeyName=key1", NULL },
	{ CS, "UseDevelopmentStorage=true", "UseDevelopmentStorage=true",
	    NULL },
	{ CS, "UseDevelopmentStorage=true;"
	      "DevelopmentStorageProxyUri=http://127.0.0.1",
	    "UseDevelopmentStorage=true|"
	    "DevelopmentStorageProxyUri=http://127.0.0.1", NULL },
	{ CS, "BlobEndpoint=https://abc.blob.core.windows.net/;"
	      "SharedAccessSignature=" TOKEN,
	    "BlobEndpoint=https://abc.blob.core.windows.net/|"
	    "!SharedAccessSignature=" TOKEN "|" NOTES,
	    "SharedAccessSignature=" TOKEN
	    ";BlobEndpoint=https://abc.blob.core.windows.net/" },
	{ CS, "AccountName=abc;SharedAccessSignature=?" TOKEN,
	    "AccountName=abc|!SharedAccessSignature=" TOKEN "|" NOTES,
	    "AccountName=abc;SharedAccessSignature=" TOKEN },
	{ CS, "AccountName=abc;AccountKey=" KEY
	      ";FileEndpoint=https://[::1]:8443/x;"
	      "FileSecondaryEndpoint=https://h-secondary:1",
	    "AccountName=abc|!AccountKey=" KEY
	    "|FileEndpoint=https://[::1]:8443/x|"
	    "FileSecondaryEndpoint=https://h-secondary:1", NULL },
	{ SAS, TOKEN, "!SharedAccessSignature=" TOKEN "|" NOTES, NULL },
	{ SAS, "?" TOKEN, "!SharedAccessSignature=" TOKEN "|" NOTES, TOKEN },
	/* '=' in a signature may stand as it is; the bytes are kept. */
	{ SAS, "si=p&sr=c&sig=" SIG "=&sv=1&sip=1.2.3.4-1.2.3.9&spr=https",
	    "!SharedAccessSignature=si=p&sr=c&sig=" SIG
	    "=&sv=1&sip=1.2.3.4-1.2.3.9&spr=https|si=p|sr=c|sv=1|"
	    "sip=1.2.3.4-1.2.3.9|spr=https", NULL },
	{ SAS, "sv=1&sp=r&st=2020-01-01&se=2021-01-01&skoid=o&sktid=t&skt=1"
	       "&ske=2&sks=b&skv=3&sig=" SIG "%3d",
	    "!SharedAccessSignature=sv=1&sp=r&st=2020-01-01&se=2021-01-01"
	    "&skoid=o&sktid=t&skt=1&ske=2&sks=b&skv=3&sig=" SIG "%3d|sv=1|"
	    "sp=r|st=2020-01-01|se=2021-01-01|skoid=o|sktid=t|skt=1|ske=2|"
	    "sks=b|skv=3", NULL },
	{ ADO, "Server=tcp:s.database.windows.net,1433;Initial Catalog=DB;"
	       "Persist Security Info=False;User ID=U;Password=P;"
	       "MultipleActiveResultSets=False;Encrypt=True;"
	       "TrustServerCertificate=False;Connection Timeout=30;",
	    "server=s.database.windows.net|port=1433|database=DB|"
	    "persist_security_info=False|user=U|!password=P|"
	    "multiple_active_result_sets=False|encrypt=True|"
	    "trust_server_certificate=False|connect_timeout=30", NULL },
	{ ADO, " DATA source = h ; ;uid =u;\tPWD = a=b=c ",
	    "server=h|user=u|!password=a=b=c",
	    "Server=tcp:h;User ID=u;Password=\"a=b=c\";" },
	{ ADO, "addr=h;User=u;Password='it''s; \"x\"'  ;database=\"a\"\"b\"",
	    "server=h|user=u|!password=it's; \"x\"|database=a\"b",
	    "Server=tcp:h;Initial Catalog=\"a\"\"b\";User ID=u;"
	    "Password=\"it's; \"\"x\"\"\";" },
	{ ADO, "Server=h;UID=u;PWD=a'b\"c",
	    "server=h|user=u|!password=a'b\"c",
	    "Server=tcp:h;User ID=u;Password=\"a'b\"\"c\";" },
	{ ADO, "Server=h;UID=u;PWD=\" =p\t\"",
	    "server=h|user=u|!password= =p\t",
	    "Server=tcp:h;User ID=u;Password=\" =p\t\";" },
	{ ADO, "Network Address=tcp:::1,1433;AccessToken=t;"
	       "Authentication=Active Directory Password",
	    "server=::1|port=1433|!AccessToken=t|"
	    "authentication=Active Directory Password",
	    "Server=tcp:::1,1433;AccessToken=t;"
	    "Authentication=\"Active Directory Password\";" },
	{ ADO, "Address=h\\INST;Trusted_Connection=sspi",
	    "server=h\\INST|integrated_security=sspi",
	    "Server=tcp:h\\INST;Integrated Security=sspi;" },
	{ PQ, "host=h port=5432 user=u@h password='a b\\'c\\\\d' dbname=d",
	    "server=h|port=5432|user=u@h|!password=a b'c\\d|database=d",
	    "host=h port=5432 dbname=d user=u@h password='a b\\'c\\\\d'" },
	{ PQ, "  host = h  password = a\\ b\\\\  ",
	    "server=h|!password=a b\\", "host=h password='a b\\\\'" },
	{ PQ, "password='' sslpassword=x sslmode=require",
	    "!password=|!sslpassword=x|sslmode=require",
	    "password='' sslmode=require sslpassword=x" },
	{ PQ, "host=a,b,/run/pg port=1,,3", "server=a,b,/run/pg|port=1,,3",
	    NULL },
	{ PQ, "hostaddr=::1 user=u", "hostaddr=::1|user=u",
	    "user=u hostaddr=::1" },
	{ PG, "postgres://u%40h:%40%3A%2F@h.example:5432/db?sslmode=require",
	    "user=u@h|!password=@:/|server=h.example|port=5432|database=db|"
	    "sslmode=require",
	    "postgresql://u%40h:%40%3A%2F@h.example:5432/db"
	    "?sslmode=require" },
	{ PG, "postgresql://[::1]:5433/d%20b", "server=::1|port=5433|"
	      "database=d b", NULL },
	{ PG, "postgresql://a,b:2,[fe80::1%25eth0]/",
	    "server=a,b,fe80::1%eth0|port=,2,",
	    "postgresql://a,b:2,[fe80::1%25eth0]" },
	{ PG, "postgresql:///db?host=/run/pg&port=1",
	    "database=db|server=/run/pg|port=1",
	    "postgresql://%2Frun%2Fpg:1/db" },
	{ PG, "postgresql://%2Frun%2Fpg?ssl=true&application_name=a+b",
	    "server=/run/pg|sslmode=require|application_name=a+b",
	    "postgresql://%2Frun%2Fpg?sslmode=require"
	    "&application_name=a%2Bb" },
	{ PG, "postgresql://a?password=&user=", "server=a|!password=|user=",
	    "postgresql://a?user=&password=" },
	{ PG, "postgresql://:5/d", "port=5|database=d",
	    "postgresql:///d?port=5" },
	{ PG, "postgresql://u:@h", "user=u|server=h", "postgresql://u@h" },
	{ PG, "postgresql://:p%23w@h?sslpassword=%26", "!password=p#w|"
	      "server=h|!sslpassword=&", NULL },
	{ PG, "postgresql://a,b?port=5", "server=a,b|port=5", NULL },
	{ MY, "mysql://u%40s:p%2Fw@s.mysql.example:3306/db?ssl-mode=REQUIRED",
	    "scheme=mysql|user=u@s|!password=p/w|server=s.mysql.example|"
	    "port=3306|database=db|ssl-mode=REQUIRED", NULL },
	{ MY, "u:@h", "user=u|!password=|server=h", NULL },
	{ MY, "u@h", "user=u|server=h", NULL },
	{ MY, "h", "server=h", NULL },
	{ MY, "mysqlx+srv://u@[::1]/", "scheme=mysqlx+srv|user=u|server=::1",
	    "mysqlx+srv://u@[::1]" },
	{ MY, "mysqlx://h?SSL-Mode=x&tls-versions=[TLSv1.2,TLSv1.3]",
	    "scheme=mysqlx|server=h|ssl-mode=x|"
	    "tls-versions=[TLSv1.2,TLSv1.3]",
	    "mysqlx://h?ssl-mode=x&tls-versions=[TLSv1.2,TLSv1.3]" },
	{ MY, "u@%2Frun%2Fm.sock", "user=u|server=/run/m.sock", NULL },
};

static enum cofre_status
parse(enum cofre_format format, const char *text, size_t len,
    cofre_secret **ret, char error[COFRE_ERROR_MAX])
{
	for (size_t i = 0; i < COUNT(subjects); i++)
		if (subjects[i].format == format)
			return cofre_parse(format, subjects[i].kind,
			    subjects[i].datastore, text, len, ret, error);
	return COFRE_ARGUMENT;
}

static void
write_fields(const cofre_secret *s, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < cofre_secret_count(s); i++) {
		const char *name = cofre_secret_field_name(s, i);

		used += (size_t)snprintf(out + used, size - used,
		    "%s%s%s=%s", i == 0 ? "" : "|",
		    cofre_secret_field_is_secret(s, i) ? "!" : "", name,
		    cofre_secret_field(s, name, NULL));
		ck_assert_uint_lt(used, size);
	}
}

static bool
same(const cofre_secret *a, const cofre_secret *b)
{
	if (cofre_secret_count(a) != cofre_secret_count(b))
		return false;
	for (size_t i = 0; i < cofre_secret_count(a); i++) {
		const char *name = cofre_secret_field_name(a, i);
		size_t n = 0;
		size_t m = 0;
		const char *x = cofre_secret_field(a, name, &n);
		const char *y = cofre_secret_field(b, name, &m);

		if (y == NULL || n != m || memcmp(x, y, n) != 0)
			return false;
	}
	return true;
}

/* What parses also renders, and what that gives parses to the same. */
static void
check_round_trip(enum cofre_format format, const cofre_secret *s)
{
	char error[COFRE_ERROR_MAX] = "";
	cofre_secret *again = NULL;
	char *text = NULL;
	size_t len = 0;

	ck_assert_msg(cofre_render(format, s, &text, &len, error) == COFRE_OK,
	    "render: %s", error);
	ck_assert_uint_eq(strlen(text), len);
	ck_assert_int_eq(parse(format, text, len, &again, error), COFRE_OK);
	ck_assert_msg(same(s, again), "not the same after %s", text);
	cofre_secret_free(again);
	cofre_text_free(text);
}

START_TEST(a_text_gives_its_fields_and_comes_back)
{
	const struct accepted *a = &accepted[_i];
	char error[COFRE_ERROR_MAX] = "";
	cofre_secret *s = NULL;
	char fields[2048];
	char *text = NULL;

	ck_assert_msg(parse(a->format, a->text, strlen(a->text), &s, error) ==
	    COFRE_OK, "%s: %s", a->text, error);
	write_fields(s, fields, sizeof(fields));
	ck_assert_str_eq(fields, a->fields);
	ck_assert_int_eq(cofre_render(a->format, s, &text, NULL, error),
	    COFRE_OK);
	ck_assert_str_eq(text, a->rendered == NULL ? a->text : a->rendered);
	cofre_text_free(text);
	check_round_trip(a->format, s);
	cofre_secret_free(s);
}
END_TEST

static const struct {
	enum cofre_format format;
	const char *text;
	const char *error;
} refused[] = {
	{ CS, "AccountName=abc", "neither AccountKey nor SharedAccessSig" },
	{ CS, "AccountKey=" KEY, "AccountName is missing" },
	{ CS, "SharedAccessSignature=" TOKEN, "AccountName is missing" },
	{ CS, "AccountName=abc;AccountKey=" KEY ";SharedAccessSignature="
	      TOKEN, "exclude each other" },
	{ CS, "AccountName=abc;AccountKey=" KEY ";accountname=abc",
	    "AccountName: given twice" },
	{ CS, "AccountName=abc;AccountKey=" KEY ";Colour=red",
	    "pair 3, after AccountKey: not a key" },
	{ CS, "AccountName=abc;x", "pair 2, after AccountName: there is no" },
	{ CS, "AccountName=abc; AccountKey=" KEY, "pair 2, after AccountN" },
	{ CS, "AccountName=ABC;AccountKey=" KEY, "AccountName: not 3 to 24" },
	{ CS, "AccountName=ab;AccountKey=" KEY, "AccountName: not 3 to 24" },
	{ CS, "AccountName=abc;AccountKey=", "AccountKey: not the base64" },
	{ CS, "AccountName=abc;AccountKey=AA==", "AccountKey: not the base64" },
	/* 63 and 65 bytes, no padding, bits that stand for nothing. */
	{ CS, "AccountName=abc;AccountKey=" KEY16 KEY16 KEY16 KEY16 KEY16
	      "AAEC", "AccountKey: not the base64" },
	{ CS, "AccountName=abc;AccountKey=" KEY16 KEY16 KEY16 KEY16 KEY16
	      "AAECAwQ=", "AccountKey: not the base64" },
	{ CS, "AccountName=abc;AccountKey=" KEY16 KEY16 KEY16 KEY16 KEY16
	      "AAECAw", "AccountKey: not the base64" },
	{ CS, "AccountName=abc;AccountKey=" KEY16 KEY16 KEY16 KEY16 KEY16
	      "AAECAx==", "AccountKey: not the base64" },
	{ CS, "AccountName=devstoreaccount1;AccountKey=" EMULATOR,
	    "AccountKey: the public key of the storage emulator" },
	{ CS, "DefaultEndpointsProtocol=http;AccountName=abc;AccountKey=" KEY,
	    "DefaultEndpointsProtocol: http is refused" },
	{ CS, "AccountName=abc;AccountKey=" KEY ";BlobEndpoint=HTTP://h/",
	    "BlobEndpoint: http is refused" },
	{ CS, "AccountName=abc;AccountKey=" KEY ";BlobEndpoint=ftp://h/",
	    "BlobEndpoint: not an absolute https URI" },
	{ CS, "AccountName=abc;AccountKey=" KEY
	      ";BlobEndpoint=https://h/?sig=x", "BlobEndpoint: not a plain" },
	{ CS, "AccountName=abc;AccountKey=" KEY
	      ";BlobEndpoint=https://u:p@h/", "BlobEndpoint: the host" },
	{ CS, "AccountName=abc;AccountKey=" KEY
	      ";BlobEndpoint=https://h:0/", "BlobEndpoint: the host" },
	{ CS, "AccountName=abc;AccountKey=" KEY
	      ";QueueSecondaryEndpoint=https://h/",
	    "QueueSecondaryEndpoint: the primary endpoint is missing" },
	{ CS, "AccountName=abc;AccountKey=" KEY ";EndpointSuffix=a..b",
	    "EndpointSuffix: not a DNS name" },
	{ CS, "UseDevelopmentStorage=false", "UseDevelopmentStorage: the" },
	{ CS, "UseDevelopmentStorage=true;AccountName=abc",
	    "UseDevelopmentStorage: only" },
	{ CS, "DevelopmentStorageProxyUri=http://h",
	    "DevelopmentStorageProxyUri: UseDevelopmentStorage=true is" },
	{ CS, "BlobEndpoint=https://h/", "neither AccountKey" },
	{ CS, "AccountName=abc;SharedAccessSignature=" TOKEN
	      ";AccountKeyName=k", "AccountKeyName: AccountKey is missing" },
	{ SAS, "sv=1&sp=r&se=2", "SharedAccessSignature: sig is missing" },
	{ SAS, "sp=r&se=2&sig=" SIG "=", "SharedAccessSignature: sv is" },
	{ SAS, "sv=1&sp=r&sig=" SIG "=", "SharedAccessSignature: sp and se" },
	{ SAS, "sv=1&si=p&sig=" SIG, "sig: not the percent-encoded base64" },
	{ SAS, "sv=1&si=p&sig=" SIG "=&sig=" SIG "=", "sig: given twice" },
	{ SAS, "sv=1&si=p&sv=1&sig=" SIG "=", "sv: given twice" },
	{ SAS, "sv=1&amp;si=p&amp;sig=" SIG "=", "'&amp;' comes from XML" },
	{ SAS, "sv=1&si=p&sig=" SIG "=&colour=red", "not a parameter" },
	{ SAS, "sv=1&si=p&sig=" SIG "=&", "a SAS parameter without '='" },
	{ SAS, "sv=1&si=a+b&sig=" SIG "=", "si: a character that must be" },
	{ SAS, "sv=1&si=%0&sig=" SIG "=", "si: a '%' without two hex" },
	{ SAS, "sv=1&si=%00&sig=" SIG "=", "si: the value has a NUL" },
	{ SAS, "??sv=1", "not a parameter" },
	{ ADO, "User ID=u;Password=p", "server: missing" },
	{ ADO, "Server=h;Password=p", "user: missing" },
	{ ADO, "Server=h;UID=u;User ID=u", "user: given twice" },
	{ ADO, "Server=h;Data Source=h", "server: given twice" },
	{ ADO, "Server=h;UID=u;Password=", "password: the value is empty" },
	{ ADO, "Server=h;UID=u;Password=''", "password: the value is empty" },
	{ ADO, "Server=h;UID=u;Password='x", "password: the closing quote" },
	{ ADO, "Server=h;UID=u;Password='x'y", "password: something stands" },
	{ ADO, "Server=h;UID=u;Password=x'", "password: a value that ends" },
	{ ADO, "Server=h;UID=u;Password=a\tb", "password: a value with cont" },
	{ ADO, "Server=h;UID=u;Password=a\xc2\xa0", "password: a value with" },
	{ ADO, "Server=h;UID=u;Password==x", "after user: not a keyword" },
	{ ADO, "Server=h;UID=u;Password=abc;def=x", "after password: not a" },
	{ ADO, "Server=h;UID=u;Password=abc;def", "after password: there is" },
	{ ADO, "Server=np:h;UID=u", "server: only tcp: may stand" },
	{ ADO, "Server=tcp:h,x", "port: not a port" },
	{ ADO, "Server=tcp:h,70000", "port: not a port" },
	{ ADO, "Server=h;Persist Security Info=True", "persist_security_info: "
	       "only False is accepted" },
	{ ADO, "Server=h;TrustServerCertificate=yes",
	    "trust_server_certificate: only False is accepted" },
	{ ADO, "Server=h;Encrypt=maybe", "encrypt: neither true nor false" },
	{ ADO, "Server=h;AttachDBFilename=x", "pair 2, after server: not a" },
	{ ADO, "Server=h;UID=u;PWD=p;AccessToken=t", "AccessToken: excludes" },
	{ PQ, "host=h service=x", "service: refused" },
	{ PQ, "host=h dbname='service=x'", "database: may hold neither" },
	{ PQ, "host=h dbname=postgresql://x", "database: may hold neither" },
	{ PQ, "host=h passfile=/x", "passfile: refused" },
	{ PQ, "host=h servicefile=/x", "servicefile: refused" },
	{ PQ, "host=h Password=x", "pair 2, after server: not a keyword" },
	{ PQ, "host=h user=u user=u", "user: given twice" },
	{ PQ, "host=h password=", "password: an empty value is written ''" },
	{ PQ, "host=h password='x", "password: the closing quote" },
	{ PQ, "host=h password=x\\", "password: nothing stands after" },
	{ PQ, "host=h password='x'user=u", "password: no blank stands" },
	{ PQ, "host=h password", "pair 2, after server: there is no '='" },
	{ PQ, "host=h,i port=1,2,3", "port: there must be one" },
	{ PQ, "port=0", "port: not a port" },
	{ PQ, "host=h;x", "server: a host is not valid" },
	{ PQ, "sslmode=none", "sslmode: not a mode" },
	{ PQ, " \t ", "the text says nothing" },
	{ PG, "postgresql://", "the text says nothing" },
	{ PG, "http://h", "does not begin with postgresql://" },
	{ PG, "host=h", "does not begin with postgresql://" },
	{ PG, "postgresql://u:p@w@h/d", "an '@' in the user or password" },
	{ PG, "postgresql://u:p#w@h/d", "password: a character that must" },
	{ PG, "postgresql://u:p w@h/d", "password: a character that must" },
	{ PG, "postgresql://u:%zz@h/d", "password: a '%' without" },
	{ PG, "postgresql://u:%00@h/d", "password: the value has a NUL" },
	{ PG, "postgresql://u:%0a@h/d", "password: the value has a line" },
	{ PG, "postgresql://u:%ff@h/d", "password: the value is not UTF-8" },
	{ PG, "postgresql://h/d?service=x", "service: refused" },
	{ PG, "postgresql://h/service%3Dx", "database: may hold neither" },
	{ PG, "postgresql://h/d?passfile=x", "passfile: refused" },
	{ PG, "postgresql://h/d?ssl=false", "pair 1, after database: not a" },
	{ PG, "postgresql://h/d?user=a=b", "user: a character that must" },
	{ PG, "postgresql://h/d?", "pair 1, after database: a parameter" },
	{ PG, "postgresql://h/d?user=a&", "nothing stands after the last" },
	{ PG, "postgresql://h/d?host=i", "server: given twice" },
	{ PG, "postgresql://h/d/e", "database: a character that must" },
	{ PG, "postgresql://h:99999", "port: not a port" },
	{ PG, "postgresql://h:1:2", "port: not a port" },
	{ PG, "postgresql://[::1", "server: the closing bracket" },
	{ PG, "postgresql://[::1]x", "server: something stands after" },
	{ PG, "postgresql://[h]", "server: what stands in brackets" },
	{ PG, "postgresql://a%2Cb", "server: a host is not valid" },
	{ PG, "postgresql://u:@h?host%61ddr=::1", "pair 1, after server" },
	{ MY, "jdbc:mysql://h", "port: not a port" },
	{ MY, "http://h", "scheme: neither mysql" },
	{ MY, "mysql://", "server: missing" },
	{ MY, "mysql://u@", "server: missing" },
	{ MY, "mysql://:p@h", "user: the value is empty" },
	{ MY, "mysql://u@h,i", "server: more than one host" },
	{ MY, "mysql://u@(/x)", "server: a character that must be" },
	{ MY, "mysql://h?colour=red", "pair 1, after server: not a par" },
	{ MY, "mysql://h?ssl-mode=a&SSL-MODE=a", "ssl-mode: given twice" },
	{ MY, "mysql://h?tls-versions=[a,b", "tls-versions: a character" },
	{ MY, "mysql://h?tls-versions=%5Ba]", "tls-versions: a character" },
	{ MY, "mysql://h?tls-versions=%5Ba", "tls-versions: a list must" },
	{ MY, "mysql://h?tls-versions=[a%2Cb]", "tls-versions: an item" },
	{ MY, "mysql://h:0", "port: not a port" },
};

START_TEST(a_bad_text_is_refused_with_a_reason)
{
	char error[COFRE_ERROR_MAX] = "";
	cofre_secret *s = NULL;

	ck_assert_msg(parse(refused[_i].format, refused[_i].text,
			  strlen(refused[_i].text), &s, error) ==
	    COFRE_FORMAT, "%s: %s", refused[_i].text, error);
	ck_assert_ptr_null(s);
	ck_assert_msg(strstr(error, refused[_i].error) != NULL,
	    "%s: got '%s', not '%s'", refused[_i].text, error,
	    refused[_i].error);
}
END_TEST

static Suite *
formats_suite(void)
{
	Suite *s = suite_create("formats");
	TCase *t = tcase_create("formats");

	tcase_add_loop_test(t, a_text_gives_its_fields_and_comes_back, 0,
	    (int)COUNT(accepted));
	tcase_add_loop_test(t, a_bad_text_is_refused_with_a_reason, 0,
	    (int)COUNT(refused));
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(formats_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
