-- A device may come with a client certificate and nothing else. Its credential is found by the digest of the pinned key, which stands where
-- that of a secret stands elsewhere. Whoever pins a key need not hold
-- it, so one may be pinned more than once, in other organisations, too.

create index on credential (digest);

create function credentials_of_digest(wanted bytea) returns table (org uuid, id uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org, id from credential where digest = wanted limit 2 $$;
