import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'sqlite',
  schema: './src/dork/schema.ts',
  out: './drizzle',
});
