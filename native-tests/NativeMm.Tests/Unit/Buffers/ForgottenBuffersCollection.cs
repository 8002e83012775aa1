using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

/// <summary>Tests that read process-wide figures or wait for finalizers run one after another.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ForgottenBuffersCollection
{
    public const string Name = "forgotten buffers";
}
