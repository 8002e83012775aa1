using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

public sealed class VmapAreaTests
{
    [Fact]
    public void EachOwnerOfARangeHasAVersionOfItsOwn()
    {
        VmapArea area = default;
        Assert.True(area.Version.TryBeginRead(out ulong before));
        area.BeginOwner(100, VmapFlags.Zeroed);
        Assert.False(area.Version.IsUnchanged(before));
        Assert.True(area.Version.TryBeginRead(out ulong first));
        Assert.Equal(((nuint)100, VmapFlags.Zeroed), (area.Bytes, (VmapFlags)area.Flags));
        area.BeginOwner(100, VmapFlags.Zeroed);
        Assert.False(area.Version.IsUnchanged(first));
    }
}
