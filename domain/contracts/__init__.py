"""Contracts (合同): the clause library and the contract on a plan."""
