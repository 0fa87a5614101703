-- What is left of an organisation whose key was erased: rows that nobody can open any more, its audit log and its part of the log of
-- readings among them. Called for no other: see `Storage.eraseOrg`.

create function erase_org(wanted uuid) returns table (done boolean)
  language plpgsql security definer set search_path = holdfast, pg_temp
  as $$
    begin
      -- The owner, as whom this runs, is bound to one organisation like everybody.
      perform set_config('app.org', wanted::text, true);
      delete from presence where org = wanted;
      delete from series where org = wanted;
      delete from chunk where org = wanted;
      delete from log where org = wanted;
      delete from device_tag where org = wanted;
      delete from device where org = wanted;
      delete from product where org = wanted;
      delete from application where org = wanted;
      delete from invitation where org = wanted;
      delete from member where org = wanted;
      delete from credential where org = wanted;
      delete from revocation where org = wanted;
      delete from replay where org = wanted;
      delete from audit where org = wanted;
      delete from organisation where org = wanted;
      delete from token_key where org = wanted;
      return query select true;
    end
  $$;
