using NativeMm.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>What the emptying of blocks refuses.</summary>
public sealed class FrameMigrationTests
{
    [Fact]
    public void No_allocator_is_refused_at_once() => Assert.Throws<ArgumentNullException>("frames", () => new FrameMigration(null!));
}
