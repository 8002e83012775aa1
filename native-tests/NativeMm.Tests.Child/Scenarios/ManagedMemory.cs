namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Fills the managed heap of a process that has a hard limit.</summary>
internal static class ManagedMemory
{
    /// <summary>Fails once, so that what a failure needs is there before it is needed.</summary>
    public static void Overflow()
    {
        try
        {
            GC.KeepAlive(new byte[1 << 30]);
        }
        catch (OutOfMemoryException)
        {
        }
    }

    /// <summary>
    /// Takes all of it, in ever smaller pieces, but for what is smaller than the last: without any of that the runtime itself gives up.
    /// </summary>
    /// <param name="smallest">Elements of the smallest piece.</param>
    /// <returns>What must be kept alive.</returns>
    public static object? Fill(int smallest)
    {
        object?[]? chain = null;
        for (int elements = 1 << 16; elements >= smallest; elements /= 2)
        {
            try
            {
                while (true)
                {
                    object?[] more = new object?[elements];
                    more[0] = chain;
                    chain = more;
                }
            }
            catch (OutOfMemoryException)
            {
            }
        }

        return chain;
    }
}
