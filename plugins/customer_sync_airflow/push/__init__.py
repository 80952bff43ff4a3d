"""Push notifications of the ERP: a route that gathers them, a trigger that announces them, tasks that sync them."""
