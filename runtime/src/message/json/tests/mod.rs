mod lexer;
mod mapping;
mod schema;
mod texts;
mod well_known;
