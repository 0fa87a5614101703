-- What somebody showed when she signed in is sealed in `proof`; sessions of before say nothing of it, and she signs in anew.

delete from session;
