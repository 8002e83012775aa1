namespace NativeMm.AddressSpaces;

/// <content>Advice.</content>
public sealed partial class AddressSpace
{
    /// <summary>Says how a range will be used.</summary>
    /// <param name="address">First byte, a multiple of 4096.</param>
    /// <param name="length">Length in bytes, 1 or more, rounded up to pages of 4096.</param>
    /// <param name="advice">What is said.</param>
    /// <exception cref="ArgumentException">The address, the length or the advice is not allowed.</exception>
    /// <exception cref="InvalidOperationException">
    /// A part of the range is not mapped, or cutting an area would make more than <see cref="AddressSpaceOptions.AreasMax"/>.
    /// </exception>
    /// <exception cref="OutOfMemoryException">Cutting an area, or a page of 2 MiB, needs memory that there is not.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The address, the length or the advice is none that there is.</exception>
    public void Advise(long address, long length, MemoryAdvice advice)
    {
        VpnRange range = AddressCheck.Range(address, length);
        LayoutResult result = advice switch
        {
            MemoryAdvice.WillNeed => _layout.Covers(range),
            MemoryAdvice.DoNotNeed => _layout.Discard(range, free: true),
            MemoryAdvice.Cold => _layout.Discard(range, free: false),
            MemoryAdvice.HugePages => _layout.Modify(range, new AreaChange(null, Set: VmaFlags.HugePages)),
            MemoryAdvice.NoHugePages => _layout.Modify(range, new AreaChange(null, Clear: VmaFlags.HugePages)),
            _ => throw new ArgumentOutOfRangeException(nameof(advice), advice, $"advice is one of {string.Join(", ", Enum.GetNames<MemoryAdvice>())}, not {advice}."),
        };
        LayoutFault.ThrowUnlessDone(nameof(Advise), range, result, Options);
        switch (advice)
        {
            case MemoryAdvice.WillNeed:
                Populate(range);
                break;
            case MemoryAdvice.HugePages:
                _faults.MissCollapse();
                break;
        }
    }
}
