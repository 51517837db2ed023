//! Parts of a load through their files to one result.

mod doubts;
mod pooled;
mod refused;
mod stand;
