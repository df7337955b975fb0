/* What TensorRT's Python bindings link to, as functions that give null: enough to import the bindings, and to
   see how they report that TensorRT gave nothing. Nothing of TensorRT runs. */
#define GIVES_NULL(name) \
    void *name(void) { return 0; }

GIVES_NULL(createInferBuilder_INTERNAL)
GIVES_NULL(createInferRefitter_INTERNAL)
GIVES_NULL(createInferRuntime_INTERNAL)
GIVES_NULL(createNvOnnxParserRefitter_INTERNAL)
GIVES_NULL(createNvOnnxParser_INTERNAL)
GIVES_NULL(getBuilderPluginRegistry)
GIVES_NULL(getNvOnnxParserVersion)
GIVES_NULL(getPluginRegistry)
GIVES_NULL(initLibNvInferPlugins)

/* Of 8.6 alone: its parsers of UFF and Caffe. */
GIVES_NULL(_ZN11nvuffparser15createUffParserEv)
GIVES_NULL(_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi)
GIVES_NULL(_ZN14nvcaffeparser117createCaffeParserEv)
GIVES_NULL(_ZN14nvcaffeparser123shutdownProtobufLibraryEv)
