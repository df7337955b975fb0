/* A host in C: a frame that it has in memory, and what is found in it. */
#include <edge_irdet.h>
#include <stdio.h>

int main(int count, char **arguments) {
    static uint8_t sky[256][320];
    for (int row = 0; row < 256; ++row)
        for (int column = 0; column < 320; ++column) sky[row][column] = (uint8_t)(60 + row / 16);
    for (int row = 0; row < 3; ++row) /* a target of 3 x 3 pixels */
        for (int column = 0; column < 3; ++column) sky[100 + row][160 + column] = 180;

    eird_detector *detector;
    eird_error error = {.size = sizeof error};
    if (count != 2 || eird_open(arguments[1], NULL, &detector)) {
        eird_last_error(NULL, &error);
        fprintf(stderr, "E%d %s: %s; %s\n", error.code, error.title, error.what, error.next_step);
        return 1;
    }
    eird_image image = {.size = sizeof image, .format = EIRD_GREY8, .data = sky, .bytes = sizeof sky,
                        .width = 320, .height = 256, .pitch = 320};
    eird_detections found = {.size = sizeof found};
    if (eird_detect(detector, &image, &found)) {
        eird_last_error(detector, &error);
        fprintf(stderr, "E%d %s: %s; %s\n", error.code, error.title, error.what, error.next_step);
        return 1;
    }
    for (size_t i = 0; i < found.count; ++i)
        printf("centre %.1f, %.1f, score %.2f\n", found.items[i].centroid[0], found.items[i].centroid[1],
               (double)found.items[i].score);
    eird_close(detector);
    return 0;
}
