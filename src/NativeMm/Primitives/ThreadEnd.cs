namespace NativeMm.Primitives;

/// <summary>Waits for the end of a thread in places that must neither throw nor give up, such as a Dispose.</summary>
internal static class ThreadEnd
{
    /// <summary>Waits until the thread ended, however often somebody interrupts the caller; an interrupt stays pending for the caller's next own wait.</summary>
    public static void Await(Thread thread)
    {
        bool interrupted = false;
        while (!TryJoin(thread))
        {
            interrupted = true;
        }

        if (interrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }

    private static bool TryJoin(Thread thread)
    {
        try
        {
            thread.Join();
            return true;
        }
        catch (Exception failure) when (failure is ThreadInterruptedException or OutOfMemoryException)
        {
            // Without managed memory for the one exception the runtime throws the other in its place.
            return false;
        }
    }
}
