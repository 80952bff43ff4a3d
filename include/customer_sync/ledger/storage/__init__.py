"""The database: schema, migrations, transactions, retention."""
