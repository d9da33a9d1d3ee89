//! JSON with Unit's error positions, schema validation, and the typed configuration.
