namespace NativeMm.AddressSpaces;

/// <summary>Somebody who wants to know which pages came back, to guess which are wanted next.</summary>
internal interface ISwapInObserver
{
    /// <summary>A page came back on this thread, by a fault that is not over: whoever is told must not wait, nor use the space.</summary>
    /// <param name="page">Its number in the space.</param>
    void Returned(ulong page);
}
