// Reads a kind and its parameters by its declaration (hooks/registry.h).
//
//   KindSpec model = read_kind(reader, models(), "mlp");     // key `kind`, then the keys the kind declares
//   std::int64_t rows = reader.integer("batch_size", ...);   // keys that every kind of the section has
//   reader.finish();                                         // a key that the kind does not declare is unknown
//
// Defaults, ranges and the resolved copy come from the declaration. A nested kind is a mapping, or the name alone
// (`amplitude: constant`); left out, it is written as its name where it has no parameters, and where the default names
// values they are those of the default.
#pragma once

#include <string>

#include "gradquake/config/reader.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/kind_spec.h"
#include "gradquake/hooks/registry.h"

namespace gradquake::config {

// The keys of one kind in the mapping of `reader`, complete; `def`: the kind where none is given ("": one is required),
// and values that are its defaults in place of the declared ones. Throws UserError with the place.
GRADQUAKE_EXPORT KindSpec read_kind(Reader& reader, const KindGroup& group, const KindSpec& def);

// The same of the mapping under `key`, which holds nothing else.
GRADQUAKE_EXPORT KindSpec read_kind_section(Reader& reader, const std::string& key, const KindGroup& group,
                                            const KindSpec& def);

}  // namespace gradquake::config
