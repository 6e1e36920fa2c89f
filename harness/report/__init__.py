"""Results to text, one module per form."""
