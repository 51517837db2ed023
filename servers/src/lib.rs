//! Sixteen server architectures over one HTTP/1.1 core and the same services.
