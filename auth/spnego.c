/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/spnego.h"

#include <libtasn1.h>
#include <pthread.h>

#define OID_SPNEGO "1.3.6.1.5.5.2"
#define OID_NTLMSSP "1.3.6.1.4.1.311.2.2.10"

/* [MS-SPNG] 3.2.5.2: what a server that has no hint says. */
#define HINT_NAME "not_defined_in_RFC4178@please_ignore"

extern const asn1_static_node spnego_asn1_tab[]; /* from spnego.asn */

static const uint8_t own_mech_types[] = {
	0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a};
const struct bytes spnego_own_mech_types = {own_mech_types, sizeof(own_mech_types)};

static asn1_node definitions; /* written once, then only read */

static void build_definitions(void)
{
	if (asn1_array2tree(spnego_asn1_tab, &definitions, NULL) != ASN1_SUCCESS)
		definitions = NULL;
}

static asn1_node element_new(const char *type)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	asn1_node n = NULL;

	pthread_once(&once, build_definitions);
	if (!definitions || asn1_create_element(definitions, type, &n) != ASN1_SUCCESS)
		return NULL;
	return n;
}

/* The whole of `in` as one element of that type, or NULL. How deep it nests is bounded by the type. */
static asn1_node decode(const char *type, struct bytes in)
{
	asn1_node n = element_new(type);
	int len = (int)in.len;

	if (n && (asn1_der_decoding2(&n, in.data, &len, ASN1_DECODE_FLAG_STRICT_DER, NULL) != ASN1_SUCCESS ||
			 (size_t)len != in.len))
		asn1_delete_structure(&n);
	return n;
}

static struct bytes encode(TALLOC_CTX *mem, asn1_node n, const char *name)
{
	int len = 0;
	uint8_t *der = NULL;

	if (asn1_der_coding(n, name, NULL, &len, NULL) == ASN1_MEM_ERROR && len > 0)
		der = talloc_size(mem, (size_t)len);
	if (!der || asn1_der_coding(n, name, der, &len, NULL) != ASN1_SUCCESS) {
		talloc_free(der);
		return BYTES(NULL, 0);
	}
	return BYTES(der, len);
}

/* False only if memory is short; an absent field leaves out as it is. */
static bool get_bytes(TALLOC_CTX *mem, asn1_node n, const char *name, struct bytes *out)
{
	int len = 0;
	int rc = asn1_read_value(n, name, NULL, &len);

	if (rc != ASN1_MEM_ERROR && rc != ASN1_SUCCESS)
		return true;
	uint8_t *p = talloc_size(mem, (size_t)len + 1); /* an empty field is present all the same */
	if (!p || (len && asn1_read_value(n, name, p, &len) != ASN1_SUCCESS)) {
		talloc_free(p);
		return false;
	}
	*out = BYTES(p, len);
	return true;
}

/*
 * For an OBJECT IDENTIFIER, and for a CHOICE, whose value is the name of what was chosen. Longer texts are
 * none we know.
 */
static bool text_is(asn1_node n, const char *name, const char *text)
{
	char value[128];
	int len = sizeof(value);

	return asn1_read_value(n, name, value, &len) == ASN1_SUCCESS && strcmp(value, text) == 0;
}

static bool has_field(asn1_node n, const char *name)
{
	int len = 0;
	int rc = asn1_read_value(n, name, NULL, &len);

	return rc == ASN1_SUCCESS || rc == ASN1_MEM_ERROR;
}

static bool read_mech_types(struct spnego_token *out)
{
	if (out->mech_types.len == 0 || out->mech_types.len > SPNEGO_MECH_LIST_MAX)
		return false;
	asn1_node list = decode("SPNEGO.MechTypeList", out->mech_types);
	int count = 0;

	if (!list)
		return false;
	asn1_number_of_elements(list, "", &count);
	for (int i = 1; i <= count; i++) {
		char name[16];
		snprintf(name, sizeof(name), "?%d", i);
		if (text_is(list, name, OID_NTLMSSP)) {
			out->offers_ntlmssp = true;
			out->prefers_ntlmssp |= i == 1;
		}
	}
	asn1_delete_structure(&list);
	return true;
}

static bool read_init(TALLOC_CTX *mem, asn1_node n, struct spnego_token *out)
{
	out->kind = SPNEGO_INIT;
	out->state = SPNEGO_NO_STATE;
	return text_is(n, "thisMech", OID_SPNEGO) &&
	       get_bytes(mem, n, "token.negTokenInit.mechTypes", &out->mech_types) &&
	       get_bytes(mem, n, "token.negTokenInit.mechToken", &out->mech_token) && read_mech_types(out);
}

static bool read_state(asn1_node n, enum spnego_state *out)
{
	uint8_t v[8];
	int len = sizeof(v);
	int rc = asn1_read_value(n, "negTokenResp.negState", v, &len);

	*out = SPNEGO_NO_STATE;
	if (rc == ASN1_ELEMENT_NOT_FOUND || rc == ASN1_VALUE_NOT_FOUND)
		return true;
	if (rc != ASN1_SUCCESS || len != 1 || v[0] > SPNEGO_REQUEST_MIC)
		return false;
	*out = (enum spnego_state)v[0];
	return true;
}

static bool read_resp(TALLOC_CTX *mem, asn1_node n, struct spnego_token *out)
{
	out->kind = SPNEGO_RESP;
	if (!text_is(n, "", "negTokenResp"))
		return false;
	out->names_mech = has_field(n, "negTokenResp.supportedMech");
	out->names_ntlmssp = text_is(n, "negTokenResp.supportedMech", OID_NTLMSSP);
	return read_state(n, &out->state) &&
	       get_bytes(mem, n, "negTokenResp.responseToken", &out->mech_token) &&
	       get_bytes(mem, n, "negTokenResp.mechListMIC", &out->mic);
}

bool spnego_decode(TALLOC_CTX *mem, struct bytes in, struct spnego_token *out)
{
	*out = (struct spnego_token){0};
	if (in.len == 0 || in.len > SPNEGO_TOKEN_MAX)
		return false;
	bool init = in.data[0] == 0x60; /* [APPLICATION 0], RFC 2743 3.1 */
	asn1_node n = decode(init ? "SPNEGO.InitialContextToken" : "SPNEGO.NegotiationToken", in);
	if (!n)
		return false;
	bool ok = init ? read_init(mem, n, out) : read_resp(mem, n, out);
	asn1_delete_structure(&n);
	return ok;
}

static bool put(asn1_node n, const char *name, struct bytes b)
{
	/* NULL leaves an OPTIONAL field out; length 0 means that the value is a string, here an empty one. */
	return asn1_write_value(n, name, b.data && !b.len ? "" : (const void *)b.data, (int)b.len) ==
	       ASN1_SUCCESS;
}

static bool put_text(asn1_node n, const char *name, const char *text)
{
	return asn1_write_value(n, name, text, 1) == ASN1_SUCCESS;
}

static struct bytes encode_any_init(TALLOC_CTX *mem, struct bytes mech_token, struct bytes hints)
{
	asn1_node n = element_new("SPNEGO.InitialContextToken");
	struct bytes out = {NULL, 0}, none = {NULL, 0};

	if (!n)
		return out;
	if (put_text(n, "thisMech", OID_SPNEGO) && put_text(n, "token", "negTokenInit") &&
		put(n, "token.negTokenInit.mechTypes", spnego_own_mech_types) &&
		put(n, "token.negTokenInit.reqFlags", none) &&
		put(n, "token.negTokenInit.mechToken", mech_token) &&
		put(n, "token.negTokenInit.micOrHints", hints) &&
		put(n, "token.negTokenInit.mechListMIC", none))
		out = encode(mem, n, "");
	asn1_delete_structure(&n);
	return out;
}

struct bytes spnego_encode_init(TALLOC_CTX *mem, struct bytes mech_token)
{
	return encode_any_init(mem, mech_token, BYTES(NULL, 0));
}

struct bytes spnego_encode_hint(TALLOC_CTX *mem)
{
	asn1_node n = element_new("SPNEGO.NegHints");
	struct bytes hints = {NULL, 0};

	if (n && put(n, "hintName", BYTES(HINT_NAME, strlen(HINT_NAME))) &&
		put(n, "hintAddress", BYTES(NULL, 0)))
		hints = encode(mem, n, "");
	asn1_delete_structure(&n);
	if (!hints.data)
		return hints;
	struct bytes out = encode_any_init(mem, BYTES(NULL, 0), hints);
	talloc_free((void *)hints.data);
	return out;
}

struct bytes spnego_encode_resp(TALLOC_CTX *mem, const struct spnego_token *in)
{
	asn1_node n = element_new("SPNEGO.NegotiationToken");
	uint8_t state = (uint8_t)in->state;
	struct bytes out = {NULL, 0}, none = {NULL, 0};

	if (!n)
		return out;
	if (put_text(n, "", "negTokenResp") &&
		put(n, "negTokenResp.negState", in->state == SPNEGO_NO_STATE ? none : BYTES(&state, 1)) &&
		(in->names_ntlmssp ? put_text(n, "negTokenResp.supportedMech", OID_NTLMSSP)
				   : put(n, "negTokenResp.supportedMech", none)) &&
		put(n, "negTokenResp.responseToken", in->mech_token) &&
		put(n, "negTokenResp.mechListMIC", in->mic))
		out = encode(mem, n, "");
	asn1_delete_structure(&n);
	return out;
}
