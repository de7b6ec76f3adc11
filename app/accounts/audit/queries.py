"""SQL of the audit log."""

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

APPEND = text("select audit_append(:entry)").bindparams(bindparam("entry", type_=JSONB))
