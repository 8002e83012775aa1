namespace NativeMm.AddressSpaces;

/// <content>Advice.</content>
public sealed partial class AddressSpace
{
    /// <summary>Says how a range will be used.</summary>
    /// <param name="address">First byte, a multiple of 4096.</param>
    /// <param name="length">Length in bytes, rounded up to pages of 4 KiB.</param>
    /// <param name="advice">What is said.</param>
    public void Advise(long address, long length, MemoryAdvice advice)
    {
        _ = address;
        _ = length;
        _ = advice;
        throw new NotImplementedException(_layout.ToString());
    }
}
