# shellcheck shell=bash
# A node in place of lnd or Core Lightning that fails as it is told to, and an LNURL service whose invoices it can pay. `load ../support/common` first.
#   fake_node lnd|cln     starts both; $T/lnd or $T/cln is the node's folder (fake_node.py); sets LNURL, PORT, FAKE (the folder's name)
#                         and MAKE_INVOICE
#   spent_hashes          how often money left for each payment hash, in one line
# Skips the test where make_invoice has not been built.

# shellcheck disable=SC2034  # LNURL and PORT are for the caller
fake_node() {
  MAKE_INVOICE=${HH_REAL_BIN:-$HH_BIN}/make_invoice
  [ -x "$MAKE_INVOICE" ] || skip "make_invoice is not built"
  FAKE=$1
  mkdir -p "$T/$FAKE/preimages"
  export HH_PREIMAGES=$T/$FAKE/preimages HH_MAKE_INVOICE=$MAKE_INVOICE
  start lnurl "$HH_SRC/tests/support/lnurl_server.py" "$MAKE_INVOICE"
  start "$FAKE" "$HH_SRC/tests/support/fake_$FAKE.py" "$T/$FAKE"
  eventually 90 test -s "$T/lnurl.out"
  eventually 90 test -s "$T/$FAKE.out"
  LNURL=127.0.0.1:$(cat "$T/lnurl.out") PORT=$(cat "$T/$FAKE.out")
}

spent_hashes() { cut -d' ' -f1 "$T/$FAKE/spent" 2>/dev/null | sort | uniq -c | awk '{ print $1 }' | tr '\n' ' '; }
