// Version 5 of the journal. Sealed invoices differ each time, so that one replaces no two is said by the hash of its text.
#include "journal/schema.h"

namespace hh::ln {

const char* const sealing_up = R"sql(
ALTER TABLE replacements ADD COLUMN invoice_hash TEXT;
CREATE UNIQUE INDEX one_replacement_per_invoice ON replacements (invoice_hash);
)sql";

const char* const sealing_down = R"sql(
DROP INDEX one_replacement_per_invoice;
ALTER TABLE replacements DROP COLUMN invoice_hash;
)sql";

}  // namespace hh::ln
