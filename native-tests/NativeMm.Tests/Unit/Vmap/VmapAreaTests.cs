using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

public sealed class VmapAreaTests
{
    [Fact]
    public void Each_owner_of_a_range_has_a_version_of_its_own()
    {
        VmapArea area = default;
        Assert.True(area.Version.TryBeginRead(out ulong before));
        area.BeginOwner(100, VmapFlags.Zeroed, 0);
        Assert.False(area.Version.IsUnchanged(before));
        Assert.True(area.Version.TryBeginRead(out ulong first));
        Assert.Equal(((nuint)100, VmapFlags.Zeroed), (area.Bytes, (VmapFlags)area.Flags));
        area.BeginOwner(100, VmapFlags.Zeroed, 0);
        Assert.False(area.Version.IsUnchanged(first));
    }
}
