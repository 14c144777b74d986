"""Is what stagelint calls the same build the same to a real builder?"""
