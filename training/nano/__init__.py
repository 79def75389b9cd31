"""How the built-in demo model, nano, is made: see README.md beside this package."""
