"""The only files that wait: one small `Runtime` for blocking code, asyncio and trio."""
