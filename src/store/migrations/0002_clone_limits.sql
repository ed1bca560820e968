-- What one clone may use, narrower than the configuration: an object in the words of `docker run`.
ALTER TABLE clone ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
