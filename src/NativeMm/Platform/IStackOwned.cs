namespace NativeMm.Platform;

/// <summary>Something in unmanaged memory that one thread has for itself, and that <see cref="StackPages{T}"/> finds by the thread's stack.</summary>
/// <typeparam name="T">The type itself.</typeparam>
internal unsafe interface IStackOwned<T>
    where T : unmanaged
{
    /// <summary>Where it keeps what the table notes about it.</summary>
    static abstract StackHold* HoldOf(T* owned);
}
