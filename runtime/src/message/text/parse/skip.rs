//! Values that nobody asks for, or that come before what says where they go.

use super::{Parser, TextError, Token};

impl Parser<'_> {
    /// Whatever stands behind a name.
    pub(super) fn skip_value(&mut self) -> Result<(), TextError> {
        self.lexer.takes(':')?;
        match self.lexer.peek()? {
            Token::Symbol('{' | '<') => self.skip_message(),
            Token::Symbol('[') => self.elements(|parser| match parser.lexer.peek()? {
                Token::Symbol('{' | '<') => parser.skip_message(),
                _ => parser.skip_scalar(),
            }),
            _ => self.skip_scalar(),
        }
    }

    fn skip_scalar(&mut self) -> Result<(), TextError> {
        self.lexer.takes('-')?;
        match self.lexer.next()? {
            Token::Symbol(_) | Token::End => {
                let found = self.lexer.found();
                Err(self.lexer.error(format!("expected a value, found {found}")))
            }
            Token::String(_) => {
                while let Token::String(_) = self.lexer.peek()? {
                    self.lexer.next()?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A message of which only the brackets are looked at.
    pub(super) fn skip_message(&mut self) -> Result<(), TextError> {
        let mut open = vec![self.open()?];
        while let Some(close) = open.last().copied() {
            if open.len() as u64 > u64::from(self.depth_left) {
                return Err(self.too_deep());
            }
            match self.lexer.next()? {
                Token::Symbol('{') => open.push('}'),
                Token::Symbol('<') => open.push('>'),
                Token::Symbol('[') => open.push(']'),
                Token::Symbol(symbol @ ('}' | '>' | ']')) if symbol == close => drop(open.pop()),
                Token::Symbol('}' | '>' | ']') | Token::End => {
                    let found = self.lexer.found();
                    return Err(self.lexer.error(format!("expected `{close}`, found {found}")));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
