//! Tantivy indexes in memory, for Node.js: stored fields out in columns, columns in to new indexes.
//!
//! `binding` is the only module that knows JavaScript; all else takes and returns plain values.

mod binding;
pub mod bytes;
pub mod columns;
pub mod error;
pub mod files;
pub mod footer;
pub mod index;
pub mod read;
pub mod store;
pub mod write;
