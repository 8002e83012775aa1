using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>A theory about generated code; skipped, and said so, in a Debug build.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OptimizedTheoryAttribute : TheoryAttribute
{
    public OptimizedTheoryAttribute() => Skip = CoreBuild.SkipUnlessOptimized;
}
