"""Reading a bank's CSV export: sheets (text into cells), columns (which is what), values (days and
amounts), movements (what moved on the account). Pure: no Flask, no database."""
