namespace NativeMm.Platform;

/// <summary>Where the stack of the calling thread lies. Thread-safe.</summary>
internal static unsafe class ThreadStack
{
    // pthread_attr_t has 56 bytes at most on the systems that run .NET.
    private const int AttributeBytes = 128;

    /// <summary>
    /// The bounds that the system knows for the calling thread's stack. Code that runs on a stack of its own making (fibers, alternate signal stacks) is
    /// outside of them.
    /// </summary>
    /// <param name="low">Address of the lowest byte.</param>
    /// <param name="high">Address behind the highest byte.</param>
    /// <returns>False where the system does not say.</returns>
    public static bool TryGetBounds(out nuint low, out nuint high)
    {
        low = 0;
        high = 0;
        if (!SystemPlatform.IsLinux)
        {
            return false;
        }

        try
        {
            byte* attributes = stackalloc byte[AttributeBytes];
            if (LibC.GetThreadAttributes(LibC.CurrentThread(), attributes) != 0)
            {
                return false;
            }

            bool known = LibC.GetStackBounds(attributes, out low, out nuint bytes) == 0;
            _ = LibC.DestroyThreadAttributes(attributes);
            high = low + bytes;
            return known;
        }
        catch (EntryPointNotFoundException)
        {
            // Before glibc 2.34 the calls lie in another library.
            return false;
        }
    }
}
