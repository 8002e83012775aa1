namespace NativeMm.AddressSpaces;

/// <summary>
/// How a thread reaches its slot when its stack does not tell. The type has no static constructor and nothing else in it, so that the runtime keeps the pointer
/// directly in the thread's own block.
/// </summary>
internal static unsafe class AccessSlotThread
{
    /// <summary>The calling thread's slot, or null.</summary>
    [ThreadStatic]
    public static AccessSlot* t_slot;
}
