using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Pages ahead of their first use.</content>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Brings the pages of a range in, as reads of them would. What cannot be had now is left to the access that needs it.</summary>
    private void Populate(VpnRange range)
    {
        for (ulong page = range.Start; page < range.End; page++)
        {
            try
            {
                Read<byte>((long)(page << Pfn.FrameShift));
            }
            catch (Exception failure) when (failure is OutOfMemoryException or AddressFaultException or PageUnavailableException)
            {
                return;
            }
        }
    }
}
